/** The part of osls and of the Serverless Framework 3 that the plugin uses. */
export interface Serverless {
  readonly service: {
    readonly service: string
    readonly custom?: Readonly<Record<string, unknown>>
    readonly functions?: Readonly<Record<string, object>>
    readonly provider: {
      readonly runtime?: string
      readonly environment?: unknown
      readonly vpc?: unknown
      compiledCloudFormationTemplate: CompiledTemplate
    }
  }
  /** Changes the configuration, in the constructor of a plugin only. */
  extendConfiguration(path: readonly string[], value: unknown): void
  getProvider(name: 'aws'): { getStage(): string }
}

/** A resource as osls compiles it. */
export interface CompiledResource {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
}

/** The template that osls deploys. */
export interface CompiledTemplate {
  readonly Parameters?: Readonly<Record<string, unknown>>
  readonly Conditions?: Readonly<Record<string, unknown>>
  readonly Resources: Readonly<Record<string, CompiledResource>>
  readonly Outputs?: Readonly<Record<string, unknown>>
}
