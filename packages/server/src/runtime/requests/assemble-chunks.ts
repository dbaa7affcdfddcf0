import { TRPCError } from '@trpc/server'
import { type ChunkFrame, limits, sizeText } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { OpenUpload, UploadRow } from '../../ports/uploads.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'

const partGraceSeconds = 60 // a part outlives the row that counts it, whichever was written first

const maxOpenUploads = limits.openMessages.value
/** Tries to open a message in the place of overdue ones. A try fails only if another function has changed them. */
const maxTries = 3

/**
 * Stores one part of a message. Returns the whole message when all its parts are stored and this invocation claimed it,
 * else undefined. The part is stored before it is counted, so a counted part can be read. The claim comes before the
 * read, so exactly one invocation answers for the message, also when it fails. A message is open from its first part to
 * its claim; the place is taken before a part is stored, so that a refused part writes nothing. Throws `TrunklineError`
 * TOO_LARGE beyond `maxMessageBytes`, RATE_LIMITED when as many messages are open as may, TIMEOUT when a part expired,
 * and BAD_REQUEST for parts that contradict each other.
 */
export async function onChunk(
  context: InvocationContext,
  connection: { readonly connectionId: string; readonly expires: number },
  { params }: ChunkFrame,
): Promise<string | undefined> {
  const { connectionId } = connection
  const { message, bytes } = params
  if (bytes > context.server.maxMessageBytes) throw tooLarge(bytes, context.server.maxMessageBytes) // [TL-CHUNK-4]
  const opened = await openUpload(context, connection, message)
  const row = await storePart(context, connectionId, params)
  if (row.owner === undefined && row.noted < row.of) return undefined
  const owner = randomName(context.clock, 20)
  const isClaimed = row.owner === undefined && (await claimUpload(context, { connectionId, message, owner }))
  // A message that another function claimed was closed by it, and may have been opened again by this duplicate.
  if (isClaimed || opened) await context.store.closeUpload({ connectionId, message }).catch(() => {}) // else by its time
  return isClaimed ? readWhole(context, row) : undefined // [TL-CHUNK-5]
}

async function claimUpload(
  { store }: InvocationContext,
  claim: Parameters<InvocationContext['store']['claimUpload']>[0],
): Promise<boolean> {
  return (await store.claimUpload(claim)) === 'claimed'
}

/**
 * Opens a message on its connection, in the place of an overdue one if need be. Returns false if it is open already.
 * Throws RATE_LIMITED. [TL-CHUNK-12]
 */
async function openUpload(
  { store, clock }: InvocationContext,
  { connectionId, expires }: { readonly connectionId: string; readonly expires: number },
  message: string,
): Promise<boolean> {
  let over: readonly OpenUpload[] = []
  for (let tries = 1; ; tries++) {
    const now = clock.now()
    const until = now + limits.uploadMs.value
    const result = await store.openUpload({ connectionId, message, until, expires, max: maxOpenUploads, over })
    if (result.status === 'opened') return true
    const current = result.open.filter((each) => each.until > now)
    if (current.some((each) => each.message === message)) return false
    over = result.open.filter((each) => each.until <= now)
    if (current.length >= maxOpenUploads || tries === maxTries)
      throw tooManyUploads(Math.min(...result.open.map((each) => each.until)) - now)
  }
}

/** Stores a part and notes it in its message's row. */
async function storePart(
  context: InvocationContext,
  connectionId: string,
  params: ChunkFrame['params'],
): Promise<UploadRow> {
  const { message, part, of, bytes, text } = params
  const expires = Math.ceil((context.clock.now() + limits.uploadMs.value) / 1_000)
  // [TL-CHUNK-7] The key holds the connection's id, which the gateway gives, so a frame cannot reach another's parts.
  const put = await context.store.putPart({ connectionId, message, part, text, expires: expires + partGraceSeconds })
  if (put === 'differs') throw contradiction(params, `part ${part} has another text already`)
  const { status, row } = await context.store.notePart({ connectionId, message, part, of, bytes, expires })
  if (status === 'refused') throw contradiction(params, `it has ${row.of} parts of ${row.bytes} bytes already`)
  if (row.owner === undefined && row.expires * 1_000 <= context.clock.now()) throw tooLate(params) // [TL-CHUNK-8]
  return row
}

async function readWhole(context: InvocationContext, { connectionId, message, of, bytes }: UploadRow): Promise<string> {
  const parts = await context.store.readParts(connectionId, message, of)
  const whole = parts.join('')
  if (parts.includes(undefined)) throw tooLate({ message })
  const found = Buffer.byteLength(whole)
  if (found !== bytes) throw contradiction({ message }, `its parts have ${found} bytes, not the ${bytes} declared`)
  return whole
}

function tooManyUploads(retryAfterMs: number): TrunklineError {
  const message =
    `Expected at most ${maxOpenUploads} messages of one connection to be sent in chunks at the same time, and as many ` +
    'are incomplete. Send the rest of one of them, or wait until one is too late.'
  return new TrunklineError('RATE_LIMITED', message, { retryAfterMs: Math.max(retryAfterMs, 1_000) })
}

function tooLarge(bytes: number, most: number): TrunklineError {
  return new TrunklineError('TOO_LARGE', sizeText(bytes, most))
}

// [TL-CHUNK-6]
function contradiction({ message }: Pick<ChunkFrame['params'], 'message'>, what: string): TRPCError {
  const name = JSON.stringify(message)
  return new TRPCError({
    code: 'BAD_REQUEST',
    message: `The chunks of message ${name} contradict each other: ${what}.`,
  })
}

function tooLate({ message }: Pick<ChunkFrame['params'], 'message'>): TrunklineError {
  const seconds = limits.uploadMs.value / 1_000
  const what = `The chunks of message ${JSON.stringify(message)} did not come within ${seconds} s. Send it again under a new name.`
  return new TrunklineError('TIMEOUT', what, { mayHaveRun: false })
}
