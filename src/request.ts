/**
 * What was asked for: one plain value that the command line, the library and Packer fill, checked once.
 *
 * Nothing here has been looked up yet: paths may not exist, a template may be unknown. Each stage says so when it gets
 * there.
 */

/** Asked for on the command line or by a library call. */
export type EngineChoice = 'auto' | 'embedded' | 'libguestfs'

/** What to do with files that are on the OEM partition already. */
export type ExistingFiles =
  /** Replace a known vendor's set, keep what must stay, refuse files that nobody knows. */
  | 'auto'
  /** Keep everything that the template does not name. */
  | 'merge'
  /** Remove everything but what must stay (`sysext/`). */
  | 'replace'
  /** Refuse when there is anything at all. */
  | 'refuse'

/** Which of Ignition's places on the OEM partition a config goes to. */
export type IgnitionPlace = 'base' | 'default' | 'config'

export interface RequestedFile {
  /** Path on this machine. */
  readonly source: string
  /** Absolute path within the OEM partition. */
  readonly destination: string
  /** Permission bits. @default 0o755 if the source is executable by its owner, else 0o644 */
  readonly mode?: number
}

/** What goes onto the OEM partition. */
export interface ContentRequest {
  /** Name of a built-in template, or a path to a template directory. */
  readonly template?: string
  /** Values for the template's variables; they win over `variablesFile`. */
  readonly variables?: Readonly<Record<string, string>>
  /** YAML or JSON file: one mapping of variable names to scalars. */
  readonly variablesFile?: string
  /** Path of a cloud-config that goes to `/cloud-config.yml`, instead of the template's. */
  readonly cloudConfig?: string
  readonly ignition?: { readonly path: string; readonly as: IgnitionPlace }
  /** Instead of the template's. */
  readonly oemId?: string
  /** Take an OEM id that the image's release does not know. @default false */
  readonly oemIdUnchecked?: boolean
  readonly files?: readonly RequestedFile[]
  /** Absolute paths within the OEM partition; a directory goes with all it holds. */
  readonly remove?: readonly string[]
  /** What is not oem-bake's own, or was changed since a bake wrote it. @default 'auto' */
  readonly existing?: ExistingFiles
  /** Take an image that has been booted. @default false */
  readonly allowBooted?: boolean
  /** The image as it was before the first bake: what earlier bakes took away and this one leaves comes from there. */
  readonly original?: string
  /** Warnings count as errors. @default false */
  readonly strict?: boolean
  /** Rules (`oem-bake rules`) whose findings don't count; the report has them as `ignored`. */
  readonly ignore?: readonly string[]
}

/** Who has to vouch for an image. */
export interface TrustRequest {
  /**
   * `auto`: what is there is checked, and an image that nobody has signed is UNVERIFIED, a warning. `require`: only a good signature
   * will do. `off`: nothing is looked at. @default 'auto'
   */
  readonly verify?: 'auto' | 'require' | 'off'
  /** Path of a detached signature of the image. @default `<image>.sig` and `<image>.asc`, if they are there */
  readonly signature?: string
  /** Path of a digest file that names the image. @default those beside the image that are named after it or its set */
  readonly digests?: string
  /** Paths of files with OpenPGP keys, beside those of the keyrings. */
  readonly keys?: readonly string[]
}

/** Which image, and how to open it. */
export interface ImageRequest extends TrustRequest {
  readonly image: string
  /** @default 'auto' */
  readonly engine?: EngineChoice
  /** Directory for temporary files. @default the output's directory, or the system's where nothing is written */
  readonly tmpDir?: string
  /** `container-linux:2512.3.0`, when the image does not tell. */
  readonly release?: string
  /** Most bytes that the image may decode to, and its virtual disk may have. @default 64 GiB */
  readonly maxSizeBytes?: number
  /** Use and keep what is known of images under the user's cache directory. @default true */
  readonly cache?: boolean
}

export interface VerifyRequest extends TrustRequest {
  /** Any file. */
  readonly image: string
}

export interface PlanRequest extends ImageRequest, ContentRequest {}

/** With content: the image as it would be after a bake of that. Without: as it is. */
export interface ExplainRequest extends ImageRequest, ContentRequest {}

/** Two images, of which the second is said to be the first with another OEM partition. Trust is asked of the first. */
export interface ProveRequest extends TrustRequest {
  readonly original: string
  readonly baked: string
  /** Reads the files of both OEM partitions. @default 'auto' */
  readonly engine?: EngineChoice
  /** Most bytes that either image may decode to, and its virtual disk may have. @default 64 GiB */
  readonly maxSizeBytes?: number
  /** Directory for temporary files. @default the system's */
  readonly tmpDir?: string
}

/** Whether anything at all is to go onto the OEM partition, or off it. */
export function asksForContent(request: ContentRequest): boolean {
  const { template, cloudConfig, ignition, oemId, files, remove } = request
  return [template, cloudConfig, ignition, oemId, files, remove].some((asked) => asked !== undefined)
}

/** What can be published beside an image. */
export type SideFileChoice = 'sha256' | 'manifest' | 'digests' | 'provenance'

/** Where the result goes, and how it is written. */
export interface OutputRequest {
  /** @default `<stem>.<template><ext>` in `outputDirectory`; `<stem>.unbaked<ext>` of an unbake */
  readonly output?: string
  /** Where an output without a name of its own goes. @default the image's directory */
  readonly outputDirectory?: string
  /** Put the image's release into the name of an output without a name of its own: `<stem>.<release>.<template><ext>`. @default false */
  readonly label?: boolean
  /** Replace an existing output. @default false */
  readonly force?: boolean
  /** What is published beside the output. @default ['sha256', 'manifest'] */
  readonly with?: readonly SideFileChoice[]
  /** Key that the user's gpg signs with: adds a detached signature, digests, and the digests signed in clear. */
  readonly sign?: string
  /** Encode the whole image anew, with an outside program; for compressed images only. @default only what changed */
  readonly recompress?: {
    /** 1 to 9. @default the image's own */
    readonly level: number | undefined
  }
  /** Clock of the new files, seconds since 1970. @default `SOURCE_DATE_EPOCH`, else the time of the OEM filesystem's last write */
  readonly sourceDateEpoch?: number
}

export interface BakeRequest extends PlanRequest, OutputRequest {}

/** Several editions of one image in one run; all else counts for each of them. */
export interface EditionsRequest extends Omit<BakeRequest, 'output' | 'template'> {
  /** Names of built-in templates or paths to template directories; `all` that are made for the image's release. */
  readonly templates: readonly string[] | 'all'
}

/** One of a batch. */
export interface BatchJob {
  /** What messages call it; no two have the same. */
  readonly name: string
  readonly request: BakeRequest | EditionsRequest
}

export interface BatchRequest {
  readonly jobs: readonly BatchJob[]
  /** Most jobs that are under way at once. @default as many as there are cores, and memory for */
  readonly atOnce?: number
  /** Keep outputs whose manifest says that they are what would be made. @default false */
  readonly resume?: boolean
  /** Path of the file that the jobs were read from, if they were: no job may write it. */
  readonly file?: string
}

export interface UnbakeRequest extends ImageRequest, OutputRequest {
  /** The image as it was before the first bake. */
  readonly original: string
  /**
   * What becomes of what somebody else changed since: `merge` leaves it, `replace` makes it as it is on the original.
   *
   * @default 'auto', which refuses
   */
  readonly existing?: ExistingFiles
}
