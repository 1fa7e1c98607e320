# After the qemu builder: an image that QEMU has changed, and an edition of that. Nothing of the guest is needed to try it: the
# disk is started without an operating system to reach (communicator none) and is expected to power itself off.
#
#   packer build -var image=disk.raw qemu.pkr.hcl

variable "image" {
  default = "image.img"
}

source "qemu" "flatcar" {
  iso_url          = var.image
  iso_checksum     = "none"
  disk_image       = true
  format           = "raw"
  skip_resize_disk = true
  accelerator      = "tcg"
  headless         = true
  disable_vnc      = true
  communicator     = "none"
  shutdown_timeout = "2m"
  output_directory = "build/qemu"
  vm_name          = "disk.raw"
}

build {
  sources = ["source.qemu.flatcar"]

  post-processors {
    post-processor "oem-bake" {
      template  = "openstack"
      variables = { version_id = build.PackerRunUUID }
      # Once a system has booted from it: allow_booted = true
      # Not in build/qemu: with the builder's image that whole directory goes.
      output              = "dist/disk.openstack.raw"
      keep_input_artifact = false
    }

    post-processor "manifest" {
      output = "dist/manifest.json"
    }
  }
}
