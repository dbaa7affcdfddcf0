import { TRPCError } from '@trpc/server'
import { type ChunkFrame, limits, sizeText } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { UploadRow } from '../../ports/store.ts'
import type { InvocationContext } from '../context/scope.ts'
import { TrunklineError } from '../context/trunkline-error.ts'

const partGraceSeconds = 60 // a part stands longer than the row that notes it, whichever was written first

/**
 * Takes one part of a message, and gives the message where this invocation is to run it: all parts are there, and it claimed them.
 * First the part, then its note, so that what is noted stands; first the claim, then the read, so that whoever fails after it answers for the message alone.
 * Throws `TrunklineError` TOO_LARGE or TIMEOUT, BAD_REQUEST for parts that contradict each other.
 */
export async function onChunk(
  scope: InvocationContext,
  connectionId: string,
  { params }: ChunkFrame,
): Promise<string | undefined> {
  const { message, part, of, bytes, text } = params
  if (bytes > scope.server.maxMessageBytes) throw tooLarge(bytes, scope.server.maxMessageBytes) // [TL-CHUNK-4]
  const expires = Math.ceil((scope.clock.now() + limits.uploadMs.value) / 1_000)
  // [TL-CHUNK-7] Under the connection's id, which the gateway gave: no frame reaches another's parts.
  const put = await scope.store.putPart({ connectionId, message, part, text, expires: expires + partGraceSeconds })
  if (put === 'differs') throw contradiction(params, `part ${part} has another text already`)
  const { status, row } = await scope.store.notePart({ connectionId, message, part, of, bytes, expires })
  if (status === 'refused') throw contradiction(params, `it has ${row.of} parts of ${row.bytes} bytes already`)
  if (row.owner !== undefined) return undefined // [TL-CHUNK-5] a doubled part of what runs or ran
  if (row.expires * 1_000 <= scope.clock.now()) throw tooLate(params) // [TL-CHUNK-8]
  if (row.noted < row.of) return undefined
  const owner = randomName(scope.clock, 20)
  const claim = await scope.store.claimUpload({ connectionId, message, owner })
  return claim === 'claimed' ? readWhole(scope, row) : undefined
}

async function readWhole(scope: InvocationContext, { connectionId, message, of, bytes }: UploadRow): Promise<string> {
  const parts = await scope.store.readParts(connectionId, message, of)
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
  const what = `The chunks of message ${JSON.stringify(message)} did not come within ${seconds} s.`
  return new TrunklineError('TIMEOUT', what, { mayHaveRun: false })
}
