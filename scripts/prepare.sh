# Shared by scripts/demo and scripts/test: what a machine needs before anything can run. Sourced, not run.
# Only Node.js (20.19 or newer) with npm, and apt-get for Debian's packages, are expected to be there.

say() { printf '== %s\n' "$*"; }

fail() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 5
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "root is needed to run: $*" "run it as root first, then start this script again"
  fi
}

# need_programs PROGRAM=PACKAGE...: installs the packages of those programs, or files with an absolute path, that are missing.
need_programs() {
  local missing=() pair path=$PATH:/usr/sbin:/sbin
  for pair in "$@"; do
    if [[ $pair == /* ]]; then [ -e "${pair%%=*}" ] || missing+=("${pair#*=}")
    else PATH=$path command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    fi
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  command -v apt-get >/dev/null || fail "missing packages: ${missing[*]}" "install them with this system's package manager"
  as_root apt-get update -q
  DEBIAN_FRONTEND=noninteractive as_root apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# libguestfs boots the host's own kernel, which a container or a small cloud image may lack.
need_kernel() {
  compgen -G '/boot/vmlinuz-*' >/dev/null && return 0
  local package=linux-image-$(dpkg --print-architecture)
  say "installing $package for the libguestfs appliance"
  as_root apt-get update -q
  DEBIAN_FRONTEND=noninteractive as_root apt-get install -q -y --no-install-recommends "$package"
}

need_node() {
  command -v node >/dev/null || fail "Node.js is missing" "install Node.js 20.19 or newer"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "Node.js $(node --version) is too old" "install Node.js 20.19 or newer"
}

# The locked packages when the lock file changed since the last time, then the build. Not npm ci: it insists on lock
# entries for the optional packages of every other platform, which some registry mirrors do not have.
need_build() {
  local stamp=node_modules/.oem-bake-installed
  if [ ! -e "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
    say 'installing npm packages'
    npm install --no-save --no-fund --no-audit --ignore-scripts
    touch "$stamp"
  fi
  say 'building'
  npm run --silent build
}

# Everything that tests judge with. Missing programs are installed; what can't be had fails the run.
need_test_machine() {
  need_node
  need_programs guestfish=libguestfs-tools qemu-img=qemu-utils qemu-system-x86_64=qemu-system-x86 bzip2=bzip2 lbzip2=lbzip2 \
    pbzip2=pbzip2 sgdisk=gdisk sfdisk=fdisk veritysetup=cryptsetup-bin mkfs.btrfs=btrfs-progs mke2fs=e2fsprogs \
    mkfs.vfat=dosfstools mcopy=mtools setpriv=util-linux script=bsdutils strace=strace blkid=util-linux ignition-validate=ignition grub-script-check=grub-common grub-emu=grub-emu \
    systemd-analyze=systemd packer=packer go=golang-go gpg=gpg gpg-agent=gpg-agent gpgconf=gpgconf protoc=protobuf-compiler \
    /usr/lib/python3/dist-packages/jsonschema=python3-jsonschema /usr/lib/python3/dist-packages/google/protobuf=python3-protobuf \
    zsh=zsh fish=fish mandoc=mandoc \
    grub-mkimage=grub-common /usr/lib/grub/i386-pc/boot.img=grub-pc-bin /usr/lib/grub/x86_64-efi/moddep.lst=grub-efi-amd64-bin \
    /usr/share/OVMF/OVMF_CODE_4M.fd=ovmf /usr/lib/python3/dist-packages/yaml=python3-yaml \
    /usr/share/gocode/src/gopkg.in/yaml.v2=golang-gopkg-yaml.v2-dev \
    /usr/share/gocode/src/gopkg.in/yaml.v3=golang-gopkg-yaml.v3-dev
  need_kernel
}
