/** AWS credentials. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/**
 * The HTTP settings of our AWS clients. The SDK's default is no timeout [LAW-DEADLINE], and without
 * `throwOnRequestTimeout` a request timeout is only a warning.
 */
export function httpSettings<Agents extends object>({
  requestTimeoutMs,
  agents,
}: {
  readonly requestTimeoutMs: number
  /** The members `httpAgent` and `httpsAgent`. */
  readonly agents: Agents
}) {
  return {
    connectionTimeout: Math.min(1_000, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    throwOnRequestTimeout: true,
    ...agents,
  }
}

/** Neither the options nor the environment name a region. */
export class RegionMissingError extends Error {
  override readonly name = 'RegionMissingError'
  constructor(cause: unknown) {
    super('No AWS region is known: set AWS_REGION or pass `region`.', { cause })
  }
}

/** Throws a `RegionMissingError` if the client has no region. The SDK's own error does not say what to set. */
export async function requireRegion(client: { readonly config: { region(): Promise<string> } }): Promise<void> {
  try {
    await client.config.region()
  } catch (cause) {
    throw new RegionMissingError(cause)
  }
}

/**
 * Calls `create` on first use, and again only after it failed, so that an SDK client is imported only if it is used.
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
