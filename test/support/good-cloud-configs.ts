/**
 * Good cloud-configs in the shape of the vendors' own, in our words: what each starts, places and masks. Sources:
 * coreos/coreos-overlay coreos-base/oem-*\/files/cloud-config.yml; coreos-cloudinit Documentation/cloud-config.md.
 */
export const GOOD_CLOUD_CONFIGS: Readonly<Record<string, string>> = {
  empty: '#cloud-config\n',
  'windows line ends': '#cloud-config\r\nhostname: web1\r\ncoreos:\r\n  oem:\r\n    id: acme\r\n',
  rackspace: `#cloud-config

coreos:
  units:
    - name: nova-agent.service
      command: start
      runtime: yes
      content: |
        [Unit]
        Description=Agent of the provider, in a root of its own

        [Service]
        Type=forking
        PIDFile=/run/nova-agent.pid
        ExecStartPre=/bin/mkdir --parents /var/lib/heartbeat
        ExecStart=/usr/share/oem/nova-agent/sbin/nova-agent -n --logfile=/var/log/nova-agent.log
    - name: nova-agent-watcher.path
      command: start
      runtime: yes
      content: |
        [Path]
        PathModified=/var/lib/heartbeat
  oem:
    id: rackspace
    name: Rackspace Cloud Servers
    version_id: 0.0.4
    home_url: https://www.rackspace.com/cloud/servers/
    bug_report_url: https://github.com/coreos/bugs/issues
`,
  cloudstack: `#cloud-config

coreos:
  units:
    - name: oem-cloudinit.service
      command: restart
      runtime: yes
      content: |
        [Unit]
        Description=Cloudinit from the address that the virtual router has

        [Service]
        Type=oneshot
        ExecStart=/usr/share/oem/bin/cloudstack-coreos-cloudinit
    - name: cloudstack-ssh-key.service
      command: restart
      runtime: yes
      content: |
        [Service]
        Type=oneshot
        StandardOutput=journal+console
        ExecStart=/usr/share/oem/bin/cloudstack-ssh-key
  oem:
    id: cloudstack
    name: CloudStack
    version_id: '0.0.2'
    home_url: http://cloudstack.apache.org/
    bug_report_url: https://github.com/coreos/bugs/issues
`,
  vagrant: `#cloud-config

coreos:
  units:
    - name: etcd.service
      runtime: true
      drop_ins:
        - name: 10-oem.conf
          content: |
            [Service]
            Environment=ETCD_PEER_ELECTION_TIMEOUT=1200
    - name: vagrantfile-user-data.service
      command: start
      runtime: true
      content: |
        [Unit]
        Description=Cloudinit of what the Vagrantfile shares
        ConditionPathExists=/var/lib/coreos-vagrant/vagrantfile-user-data

        [Service]
        Type=oneshot
        EnvironmentFile=/etc/environment
        ExecStart=/usr/bin/coreos-cloudinit --from-file /var/lib/coreos-vagrant/vagrantfile-user-data
  oem:
    id: vagrant
    name: Vagrant
    version_id: 0.0.1
    home_url: http://www.vagrantup.com/
    bug_report_url: https://github.com/coreos/bugs/issues
ssh_authorized_keys:
  - ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ example key
`,
  'network and masks': `#cloud-config
coreos:
  units:
    - {name: user-configdrive.service, mask: yes, runtime: yes}
    - {name: user-configvirtfs.service, mask: yes, runtime: yes, command: stop}
    - name: 00-eth0.network
      runtime: yes
      content: |
        [Match]
        Name=eth0

        [Network]
        DHCP=ipv4
    - name: systemd-networkd-wait-online.service
      runtime: yes
      drop_ins:
        - {name: 10-any.conf, content: "[Service]\\nExecStart=\\nExecStart=/bin/true\\n"}
    - name: enabled.service
      enable: yes
      runtime: yes
      content: |
        [Service]
        ExecStart=/usr/share/oem/bin/agent

        [Install]
        WantedBy=multi-user.target
  update:
    reboot_strategy: 'off'
    group: stable
  locksmith:
    window_start: 'Sun 04:00'
    window_length: 2h
  oem: {id: acme, name: Acme, version_id: "1", home_url: "https://acme.example/", bug_report_url: "https://acme.example/b"}
`,
  'files and users': `#cloud-config
hostname: node-1
manage_etc_hosts: localhost
users:
  - name: ops
    gecos: Operations
    passwd: '$6$rounds=4096$saltsalt$hashhash'
    groups: [sudo, docker]
    shell: /bin/bash
    no_create_home: false
    ssh_authorized_keys:
      - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ ops
write_files:
  - path: /etc/motd.d/acme
    permissions: '0644'
    owner: root
    content: Welcome to Acme
  - path: /opt/bin/hello
    permissions: "0755"
    encoding: b64
    content: |
      IyEvYmluL3NoCmVjaG8g
      aGVsbG8K
`,
  'anchors and merge keys': `#cloud-config
coreos:
  units:
    - &masked
      name: user-configdrive.service
      mask: true
      runtime: true
    - <<: *masked
      name: user-configvirtfs.service
`,
}
