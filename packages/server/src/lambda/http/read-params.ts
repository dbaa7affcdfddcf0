import { flawText } from '@trunkline/protocol'
import { parseOffset, type ReadFrom } from '../../runtime/reads/offset.ts'

/** What the address of a read asks for. */
export interface ReadParams {
  /** JSON text. */
  readonly input: string | undefined
  readonly from: ReadFrom
  readonly live: 'long-poll' | 'sse' | undefined
  /** The last `Stream-Cursor` that the reader got. */
  readonly cursor: number | undefined
}

type Parsed =
  | { readonly status: 'valid'; readonly params: ReadParams }
  | { readonly status: 'flaw'; readonly flaw: string }

const ours = ['input', 'offset', 'live', 'cursor']

/** Parses the query of a read. Others' parameters are ignored. Never throws. */
// [TL-READ-2]
export function parseReadParams(query: URLSearchParams): Parsed {
  const flaw = (expected: string, got: string): Parsed => ({ status: 'flaw', flaw: flawText(expected, got) })
  const twice = ours.find((name) => query.getAll(name).length > 1)
  if (twice !== undefined) return flaw(`${twice} at most once`, 'it twice')
  const [offset, live] = [query.get('offset'), query.get('live')]
  const from = parseOffset(offset ?? '-1')
  if (from === undefined) return flaw('offset as -1, now or a Stream-Next-Offset', 'another text')
  if (live !== null && !isLive(live)) return flaw('live as long-poll or sse', 'another text')
  if (live !== null && offset === null) return flaw('an offset with live', 'none')
  const params = { input: query.get('input') ?? undefined, from, live: live ?? undefined } as const
  return { status: 'valid', params: { ...params, cursor: parseCursor(query.get('cursor')) } }
}

function isLive(text: string): text is NonNullable<ReadParams['live']> {
  return text === 'long-poll' || text === 'sse'
}

/** A cursor that we did not give counts as none. */
function parseCursor(text: string | null): number | undefined {
  return text !== null && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}

const cursorMs = 20_000

/**
 * The cursor of a live response: the number of the current 20 s, or one above the reader's, so that no two requests of a
 * reader have the same address.
 */
// [TL-READ-8]
export function nextCursor(now: number, last: number | undefined): string {
  return String(Math.max(Math.floor(now / cursorMs), (last ?? -1) + 1))
}
