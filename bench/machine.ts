/** Where and with what it was measured: without that, a time is worth nothing. */
import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { ROOT } from './paths.js'
import { ENV, versionOf } from './programs.js'

export function describeMachine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor'
  const filesystem = spawnSync('stat', ['-f', '-c', '%T', ROOT], { env: ENV, encoding: 'utf8' }).stdout.trim()
  return [
    `${availableParallelism()} cores (${model})`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${filesystem}`,
    `Linux ${release()}`,
    `Node ${process.version}`,
    versionOf('lbzip2', '--version', /lbzip2 version ([\d.]+)/),
    versionOf('bzip2', '--help', /Version ([\d.]+)/),
    versionOf('pbzip2', '--version', /v([\d.]+)/),
    versionOf('qemu-img', '--version', /version ([\d.]+)/),
  ].join(', ')
}
