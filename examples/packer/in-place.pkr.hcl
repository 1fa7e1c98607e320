# In place: the artifact stays the builder's own, with its name and its kind, and what only takes such artifacts still does.

variable "image" {
  default = "image.img"
}

source "file" "flatcar" {
  source = var.image
  target = "build/disk.img"
}

build {
  sources = ["source.file.flatcar"]

  post-processors {
    post-processor "manifest" {
      output = "build/manifest.json"
    }

    post-processor "oem-bake" {
      template = "ec2"
      in_place = true
    }

    post-processor "checksum" {
      checksum_types = ["sha256"]
      output         = "dist/checksums.txt"
    }
  }
}
