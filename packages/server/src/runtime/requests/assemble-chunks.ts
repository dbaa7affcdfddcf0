import { TRPCError } from '@trpc/server'
import { type ChunkFrame, limits, sizeText } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { UploadRow } from '../../ports/uploads.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'

const partGraceSeconds = 60 // a part outlives the row that counts it, whichever was written first

/**
 * Stores one part of a message. Returns the whole message when all its parts are stored and this invocation claimed it,
 * else undefined. The part is stored before it is counted, so a counted part can be read. The claim comes before the
 * read, so exactly one invocation answers for the message, also when it fails. Throws `TrunklineError` TOO_LARGE beyond
 * `maxMessageBytes`, TIMEOUT when a part expired, and BAD_REQUEST for parts that contradict each other.
 */
export async function onChunk(
  context: InvocationContext,
  connectionId: string,
  { params }: ChunkFrame,
): Promise<string | undefined> {
  const { message, part, of, bytes, text } = params
  if (bytes > context.server.maxMessageBytes) throw tooLarge(bytes, context.server.maxMessageBytes) // [TL-CHUNK-4]
  const expires = Math.ceil((context.clock.now() + limits.uploadMs.value) / 1_000)
  // [TL-CHUNK-7] The key holds the connection's id, which the gateway gives, so a frame cannot reach another's parts.
  const put = await context.store.putPart({ connectionId, message, part, text, expires: expires + partGraceSeconds })
  if (put === 'differs') throw contradiction(params, `part ${part} has another text already`)
  const { status, row } = await context.store.notePart({ connectionId, message, part, of, bytes, expires })
  if (status === 'refused') throw contradiction(params, `it has ${row.of} parts of ${row.bytes} bytes already`)
  if (row.owner !== undefined) return undefined // [TL-CHUNK-5] a duplicate: the message is running or has run
  if (row.expires * 1_000 <= context.clock.now()) throw tooLate(params) // [TL-CHUNK-8]
  if (row.noted < row.of) return undefined
  const owner = randomName(context.clock, 20)
  const claim = await context.store.claimUpload({ connectionId, message, owner })
  return claim === 'claimed' ? readWhole(context, row) : undefined
}

async function readWhole(context: InvocationContext, { connectionId, message, of, bytes }: UploadRow): Promise<string> {
  const parts = await context.store.readParts(connectionId, message, of)
  const whole = parts.join('')
  if (parts.includes(undefined)) throw tooLate({ message })
  const found = Buffer.byteLength(whole)
  if (found !== bytes) throw contradiction({ message }, `its parts have ${found} bytes, not the ${bytes} declared`)
  return whole
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
