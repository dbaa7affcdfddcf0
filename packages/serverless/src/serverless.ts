/** The part of osls and of the Serverless Framework 3 that the plugin uses. */
export interface Serverless {
  readonly service: {
    readonly service: string
    readonly custom?: Readonly<Record<string, unknown>>
    readonly functions?: Readonly<Record<string, object>>
    readonly provider: {
      readonly runtime?: string
      readonly region?: string
      readonly environment?: unknown
      readonly vpc?: unknown
      compiledCloudFormationTemplate: CompiledTemplate
    }
  }
  /** The folder of serverless.yml. */
  readonly serviceDir?: string
  readonly pluginManager?: { readonly plugins: readonly object[] }
  /** Changes the configuration, in the constructor of a plugin only. */
  extendConfiguration(path: readonly string[], value: unknown): void
  getProvider(name: 'aws'): Provider
  /** Adds a section to what is printed after a deployment. */
  addServiceOutputSection?(name: string, content: string | readonly string[]): void
}

/** The provider of AWS. osls 4 gives a configuration for clients of the SDK, the Serverless Framework 3 sends requests. */
export interface Provider {
  getStage(): string
  getAwsSdkV3Config?(): Promise<object>
  request?(service: string, method: string, parameters: object): Promise<unknown>
}

/** What `osls info` and `osls deploy` read of a deployed stack. */
export interface StackInfo {
  readonly gatheredData: {
    readonly outputs: readonly { readonly OutputKey?: string; readonly OutputValue?: string }[]
    readonly info: { readonly region: string; readonly stack: string }
  }
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

/** Options of serverless-offline, from its command line or from `custom`. */
export interface OfflineOptions {
  readonly host?: string
  readonly httpsProtocol?: string
  readonly websocketPort?: number | string
  readonly lambdaPort?: number | string
}
