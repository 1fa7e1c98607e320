# Without the plugin: the same by shell-local. Every line of it is there for a reason.

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
    # First: it always keeps the image. A chain whose first post-processor fails loses what was built.
    post-processor "manifest" {
      output = "build/manifest.json"
    }

    post-processor "shell-local" {
      environment_vars = ["TEMPLATE=${var.template}"]
      # Twice exec: when a build is cancelled, Packer kills the process that it started, and that has to be oem-bake itself.
      execute_command = ["/bin/sh", "-c", "{{.Vars}} exec {{.Script}}"]
      # What goes to standard error, Packer shows as errors: progress is not that.
      inline = ["mkdir -p dist", "exec oem-bake build/disk.img --template $TEMPLATE --quiet --output dist/disk.$TEMPLATE.img"]
    }

    # Makes the new file the artifact. It says nothing of a file that is missing, but oem-bake did: no output, no exit 0.
    post-processor "artifice" {
      files = ["dist/disk.${var.template}.img"]
    }

    post-processor "checksum" {
      checksum_types = ["sha256"]
      output         = "dist/checksums.txt"
    }
  }
}
