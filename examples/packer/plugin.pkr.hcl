# The plugin: an official image, one edition of it, its checksum and a compressed copy.
#
#   packer build -var image=flatcar_production_openstack_image.img -var template=ec2 plugin.pkr.hcl

variable "image" {
  default = "image.img"
}

variable "template" {
  default = "rackspace"
}

source "file" "flatcar" {
  source = var.image
  target = "build/disk.img"
}

build {
  sources = ["source.file.flatcar"]

  post-processors {
    # First, so that a bake that fails does not take the built image with it: Packer deletes the image when the first
    # post-processor of a chain fails.
    post-processor "manifest" {
      output = "build/manifest.json"
    }

    post-processor "oem-bake" {
      template  = var.template
      variables = { version_id = "1.0" }
      # Outside the builder's directory, which some builders delete.
      output = "dist/disk.${var.template}.img"
    }

    post-processor "checksum" {
      checksum_types = ["sha256"]
      output         = "dist/checksums.txt"
    }

    post-processor "compress" {
      output              = "dist/disk.${var.template}.tar.gz"
      keep_input_artifact = true
    }
  }
}
