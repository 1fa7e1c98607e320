import { describe, expect, it } from 'vitest'
import { parseProcStat, processesOfSession, socketDirectories } from '#src/engine/libguestfs/process-session.js'

describe('parseProcStat', () => {
  it('reads state and session behind a command that looks like more fields', () => {
    expect(parseProcStat('42 (a) S 7 (b) R 1 5 99 0 -1')).toEqual({ state: 'R', sessionId: 99 })
  })
})

describe('processesOfSession', () => {
  it('finds this process in its own session', async () => {
    const { readFileSync } = await import('node:fs')
    const { sessionId } = parseProcStat(readFileSync('/proc/self/stat', 'latin1'))
    expect(processesOfSession(sessionId).map(({ pid }) => pid)).toContain(process.pid)
  })
})

describe('socketDirectories', () => {
  it("finds libguestfs's directory in a hypervisor's arguments", () => {
    expect(
      socketDirectories([
        'qemu',
        '-chardev',
        'socket,path=/tmp/libguestfsAb12Cd/guestfsd.sock,id=channel0',
        'socket,path=/run/user/1000/libguestfsXyZ789/console.sock',
      ]),
    ).toEqual(['/tmp/libguestfsAb12Cd', '/run/user/1000/libguestfsXyZ789'])
  })

  it('takes nothing else for one', () => {
    expect(
      socketDirectories([
        'file=/tmp/libguestfsAb12Cd/overlay1.qcow2',
        'socket,path=/tmp/libguestfs/x.sock',
        'socket,path=/etc/x.sock',
      ]),
    ).toEqual([])
  })
})
