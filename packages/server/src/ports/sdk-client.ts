import type { Clock } from './clock.ts'

/** Whom to sign as. Without them, the SDK's own search. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/**
 * The HTTP settings of every AWS client of ours. The SDK's own default is no timeout at all [LAW-DEADLINE], and without
 * `throwOnRequestTimeout` a request timeout is only a warning.
 */
export function httpSettings<Agents extends object>({
  requestTimeoutMs,
  agents,
}: {
  readonly requestTimeoutMs: number
  /** `httpAgent` and `httpsAgent`. */
  readonly agents: Agents
}) {
  return {
    connectionTimeout: Math.min(1_000, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    throwOnRequestTimeout: true,
    ...agents,
  }
}

/** Epoch milliseconds. */
export type WallClock = Pick<Clock, 'now'>

/** Nobody named a region. */
export class RegionMissingError extends Error {
  override readonly name = 'RegionMissingError'
  constructor(cause: unknown) {
    super('No AWS region is known: set AWS_REGION or pass `region`.', { cause })
  }
}

/**
 * Throws one clear line when neither the options nor the SDK's own search found a region; the SDK would name neither.
 */
export async function requireRegion(client: { readonly config: { region(): Promise<string> } }): Promise<void> {
  try {
    await client.config.region()
  } catch (cause) {
    throw new RegionMissingError(cause)
  }
}

/**
 * `create`, called at the first use and again only after it failed: an SDK client costs its import only where it is
 * used.
 */
export function onFirstUse<T>(create: () => Promise<T>): () => Promise<T> {
  let created: Promise<T> | undefined
  return () => {
    created ??= create().catch((error: unknown) => {
      created = undefined
      throw error
    })
    return created
  }
}
