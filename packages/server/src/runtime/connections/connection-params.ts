import { TRPCError } from '@trpc/server'
import { parseConnectionParamsFromUnknown } from '@trpc/server/http'
import type { ConnectionRow } from '../../ports/connections.ts'
import { type ConnectionCaller, type ConnectionParams, withIdentityOf } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { encode } from '../encoding/encode.ts'
import { rejectRequest } from '../encoding/error-response.ts'
import { deleteConnection, post } from '../posting/post.ts'
import { settlePrincipal } from './settle-principal.ts'

const firstPauseMs = 10
const maxPauseMs = 300
/** How long the frames of a message wait for the parameters: at most 12 reads, with growing pauses. */
const waitMs = 2_000

/** The sender of a frame and its parameters; null if none were announced. */
export interface SettledSender {
  readonly caller: ConnectionCaller
  readonly params: ConnectionParams
}

/** The parameters that a connection announced. All frames of one message share one wait. */
export interface AnnouncedParams {
  /** Whether the connection announced any. Otherwise the caller is known. */
  readonly isAwaited: boolean
  /**
   * The parameters, and the caller that they settled. Throws MALFORMED when they did not come in time, and UNAUTHORIZED
   * when `authorize` refused them, or when the server has ended the connection.
   */
  read(): Promise<SettledSender>
  /** The caller as far as it is known: after the parameters were read, the one that they settled. */
  readonly caller: ConnectionCaller
  /** Whether they did not come in time, or were refused. Then the message is answered, and the connection is deleted. */
  readonly endConnection: boolean
}

/** The parameters of the sender of one message. Nothing is read before the first frame needs them. */
// [TL-STOCK-4] [TL-HS-9]
export function announcedParams(context: InvocationContext, sender: ConnectionCaller): AnnouncedParams {
  return new MessageParams(context, sender)
}

class MessageParams implements AnnouncedParams {
  readonly #context: InvocationContext
  readonly #sender: ConnectionCaller
  #found: Promise<ConnectionRow | undefined> | undefined
  #caller: ConnectionCaller
  #endConnection = false

  constructor(context: InvocationContext, sender: ConnectionCaller) {
    this.#context = context
    this.#sender = sender
    this.#caller = sender
  }

  get isAwaited(): boolean {
    return this.#sender.expectsParams
  }

  get caller(): ConnectionCaller {
    return this.#caller
  }

  get endConnection(): boolean {
    return this.#endConnection
  }

  async read(): Promise<SettledSender> {
    if (!this.isAwaited) return { caller: this.#caller, params: null }
    this.#found ??= awaitParams(this.#context, this.#sender.connectionId)
    const row = await this.#found
    if (row?.kicked !== undefined) throw refusal(row.kicked.reason) // [TL-KICK-2]
    this.#endConnection = row?.connectionParams === undefined
    if (row?.refused !== undefined) throw refusal(row.refused)
    if (row?.connectionParams === undefined) throw missing()
    this.#caller = withIdentityOf(this.#sender, row)
    return { caller: this.#caller, params: JSON.parse(row.connectionParams) as ConnectionParams }
  }
}

/**
 * Frames run concurrently, so a frame that arrives right after the parameters waits for them. Returns the connection's
 * row with the parameters or with their refusal; undefined when they did not come [LAW-DEADLINE].
 */
async function awaitParams(
  { store, clock, deadline }: InvocationContext,
  connectionId: string,
): Promise<ConnectionRow | undefined> {
  const until = Math.min(clock.now() + waitMs, deadline.at)
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, maxPauseMs)) {
    const row = await store.readConnection(connectionId)
    if (row?.connectionParams !== undefined || row?.refused !== undefined) return row
    const left = until - clock.now()
    if (left <= 0 || row?.state === 'CLOSED') return undefined
    await clock.sleep(Math.min(pause, left), deadline.signal)
  }
}

function missing(): TrunklineError {
  return new TrunklineError(
    'MALFORMED',
    `Expected the connection parameters within ${waitMs / 1_000} s, because the URL has connectionParams=1, got none. ` +
      'Send {"method":"connectionParams","data":{…}} first, or connect without connectionParams=1.',
    { retry: 'later' }, // the function that stores the parameters may have started late
  )
}

/** The answer to a frame of a connection that was refused [TL-HELLO-3] or ended. */
function refusal(reason: string): TRPCError {
  return new TRPCError({ code: 'UNAUTHORIZED', message: reason })
}

/**
 * Handles tRPC's `connectionParams` message. Malformed parameters, and those about which `authorize` throws, are
 * answered with an error, and the connection is deleted. A second message is an error, as in tRPC. Refused parameters
 * are answered with the reason. The connection then stays for the frames that wait for their answer, and is deleted
 * after the first of them, or by the check of unconfirmed connections.
 */
// [TL-STOCK-5] [TL-STOCK-11]
export async function receiveConnectionParams(
  context: InvocationContext,
  caller: ConnectionCaller,
  element: { readonly data?: unknown },
): Promise<void> {
  const { connectionId } = caller
  const rejectElement = async (thrown: unknown, isFatal: boolean) => {
    const frame = rejectRequest(context, { id: null, type: 'unknown', cause: 'frame' }, thrown)
    await post(context, connectionId, encode(frame))
    if (isFatal) await deleteConnection(context, connectionId)
  }
  if (!caller.expectsParams)
    return rejectElement(new TRPCError({ code: 'PARSE_ERROR', message: 'Invalid request id' }), false)
  let params: ConnectionParams
  try {
    // tRPC has checked that every value is a string.
    params = parseConnectionParamsFromUnknown(element.data) as ConnectionParams
  } catch (thrown) {
    return rejectElement(thrown, true)
  }
  try {
    const settled = await settlePrincipal(context, caller, params)
    if (settled.status === 'exists')
      await rejectElement(new TRPCError({ code: 'PARSE_ERROR', message: 'Invalid request id' }), false)
    if (settled.status === 'refused') await rejectElement(refusal(settled.reason), false)
  } catch (thrown) {
    await rejectElement(thrown, true) // nothing is settled, so the client tries again over another connection
  }
}
