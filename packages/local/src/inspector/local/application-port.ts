import type { ChannelItem, ProcedureItem } from '../data-source.ts'

/** What the entry declares. */
export interface Description {
  /** By path. */
  readonly procedures: readonly ProcedureItem[]
  /** By name. */
  readonly channels: readonly ChannelItem[]
}

/** An input as it is sent. */
export interface EncodedInput {
  readonly input?: unknown
  /** Whether the router has a transformer. */
  readonly transforms: boolean
}

/** The application behind the entry, as the inspector uses it. Each method rejects with an `Error` that says why. */
export interface ApplicationPort {
  /** Rises with each reload. */
  version(): number
  /** The description that was read last, of any version. */
  known(): Description | undefined
  /** Reads what the current entry declares. No procedure is run. */
  describe(): Promise<Description>
  /** Validates and publishes an event. Resolves to its id; undefined for an ephemeral channel. */
  publish(event: {
    readonly channel: string
    readonly key: unknown
    readonly data: unknown
  }): Promise<string | undefined>
  /** Converts an input from JSON to the form of the router's transformer. */
  encode(call: { readonly path: string; readonly input?: unknown }): Promise<EncodedInput>
  /** Converts an output in the form of the router's transformer to JSON text; undefined for none. */
  decode(output: unknown): Promise<string | undefined>
}
