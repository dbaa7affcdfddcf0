import { withDocs } from '@trunkline/protocol'
/**
 * Who asks for a topic: the principal and the claims that `authorize` of the handlers returned. An anonymous caller has
 * no claims. `C` is their type, if the line or the parameter names one.
 */
export type TopicCaller<C = unknown> =
  | { readonly principal: string; readonly claims: C }
  | { readonly principal: null; readonly claims?: undefined }

/** Who may subscribe. `K` is the output of the channel's key schema, `C` the claims of the line's callers. */
export interface TopicRights<K, C = unknown> {
  /**
   * Decides whether a caller may get the events of a topic. `true` allows. A text refuses: the subscription ends with
   * FORBIDDEN and this text as its message, for people. It runs at each subscribe, resume and sync, and at an `auth`
   * whose claims differ. Anything else that it returns, an error, and an answer later than 3 s is a failure: the
   * subscription is not allowed and the client asks again. It does not run for `publish` and `read`, which only the
   * application's own code calls, nor outside of the line's functions, where there is no caller.
   * @default every caller whom the procedure lets pass
   */
  authorize?(key: K, caller: TopicCaller<C>): true | string | Promise<true | string>
  /**
   * `'delivery'`: `authorize` also runs before each delivery of events, with the claims of the subscription. Use it
   * where the answer depends on more than the key and the claims, such as a list of members. The rows of the
   * subscriptions then hold the claims, at most 4,096 UTF-8 bytes of JSON: a subscribe with larger claims is refused
   * with TOO_LARGE. Each delivery reads these rows. Throws a `TypeError` at the declaration for another value, and
   * without `authorize`.
   * @default the answer is not asked for again between a subscribe, a sync and an `auth` with other claims
   */
  readonly recheck?: 'delivery'
}

/** The rights of a channel as a line keeps them: `K` and `C` are known only where the channel is declared. */
export interface DeclaredRights {
  readonly authorize?: (key: Readonly<Record<string, string | number>>, caller: TopicCaller) => unknown
  readonly recheck?: 'delivery'
}

/** The rights of a channel's options. Throws a `TypeError` for options that have no meaning. */
export function toDeclaredRights<K, C>(name: string, options: TopicRights<K, C>): DeclaredRights {
  const { authorize, recheck } = options as Readonly<Record<keyof TopicRights<K, C>, unknown>>
  if (authorize === undefined && recheck === undefined) return {}
  if (typeof authorize !== 'function')
    throw new TypeError(
      withDocs(
        'declarations',
        authorize === undefined
          ? `Expected channel ${name} to have authorize with recheck, got recheck alone. Add authorize, or remove recheck.`
          : `Expected authorize of channel ${name} to be a function, got ${typeof authorize}. Pass a function of the key and the caller.`,
      ),
    )
  if (recheck !== undefined && recheck !== 'delivery')
    throw new TypeError(
      withDocs(
        'declarations',
        `Expected recheck of channel ${name} to be 'delivery', got ${JSON.stringify(recheck) ?? typeof recheck}. Use 'delivery', or leave it out.`,
      ),
    )
  // `key` has been validated by the channel's own schema, and the claims are those of the line's callers.
  const declared = authorize as NonNullable<DeclaredRights['authorize']>
  return { authorize: declared, ...(recheck === undefined ? {} : { recheck }) }
}
