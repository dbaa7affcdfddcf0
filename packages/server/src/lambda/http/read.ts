import type { InvocationContext } from '../../runtime/context/runtime-context.ts'
import { json, type ReadEncoder } from '../../runtime/reads/encoder.ts'
import { readEnd, readLog } from '../../runtime/reads/read-log.ts'
import { openTarget } from '../../runtime/reads/target.ts'
import type { AdmissionOptions } from '../authorize/admission.ts'
import {
  type AdmittedRequest,
  callerOfRequest,
  identifySender,
  recordRefused,
  sessionFlaw,
  sessionOf,
} from './caller.ts'
import { type HttpResponse, refusal } from './http-response.ts'
import { answerPoll, type Reading } from './read-live.ts'
import { parseReadParams, type ReadParams } from './read-params.ts'
import { endResponse, faultResponse, gapResponse, pageResponse, refusedError, thrownResponse } from './read-response.ts'
import { answerEvents } from './sse.ts'

/** How reads are answered. */
export interface ReadOptions {
  /** The form of the messages. @default JSON */
  readonly encoder?: ReadEncoder
  /** How long a long-poll waits, in milliseconds. @default 20_000 */
  readonly waitMs?: number
  /** Whether events reach the reader as they are written. @default false: a response is one batch of them */
  readonly streams?: boolean
  /** Aborts when the reader has left, where that is known. */
  readonly left?: AbortSignal
}

const longPollMs = 20_000
const eventsMs = 55_000

/** Answers `GET` and `HEAD` of `/read/<path>`. Throws what `authorize` throws. */
export async function onRead(
  context: InvocationContext,
  admission: AdmissionOptions,
  asked: AdmittedRequest & { readonly path: string },
  options: ReadOptions = {},
): Promise<HttpResponse> {
  const { path, request } = asked
  const parsed = parseReadParams(request.query)
  if (parsed.status === 'flaw') return refusal(400, { reason: 'malformed', message: parsed.flaw })
  const session = sessionOf(request)
  if (session === null) return refusal(400, { reason: 'malformed', message: sessionFlaw })
  const identity = await identifySender(context, admission, asked)
  const caller = await callerOfRequest(context, request, { identity, session })
  recordRefused(context, caller)
  try {
    if (caller.refused !== undefined) throw refusedError(caller.refused)
    const target = await openTarget(context, caller, { path, input: parsed.params.input })
    const reading = { context, caller, target, encoder: options.encoder ?? json, left: options.left }
    return await answer(
      reading,
      { ...parsed.params, etags: request.headers['if-none-match'] },
      {
        isHead: request.method === 'HEAD',
        ...options,
      },
    )
  } catch (thrown) {
    return thrownResponse(context, path, thrown)
  }
}

async function answer(
  reading: Reading,
  params: ReadParams & { readonly etags: string | undefined },
  { isHead, waitMs = longPollMs, streams = false }: ReadOptions & { readonly isHead: boolean },
): Promise<HttpResponse> {
  const { context, target, encoder } = reading
  const { server } = context
  if (isHead) return endResponse(server, await readEnd(context, target), encoder)
  const { from, live, etags } = params
  if (live === 'long-poll') return answerPoll(reading, params, waitMs)
  if (live === 'sse') return answerEvents(reading, params, { ms: streams ? eventsMs : waitMs, isStreamed: streams })
  const found = await readLog(context, target, { from, encoder })
  if (found.status === 'gap') return gapResponse(found)
  if (found.status === 'fault') return faultResponse(context, target.path, found)
  return pageResponse(server, { page: found, encoder }, { etags })
}
