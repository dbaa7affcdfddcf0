import { parseCursor } from '@trunkline/protocol'

/** The members of a frame that the client's rule reads. */
interface Frame {
  readonly id?: unknown
  readonly result?: {
    readonly type: string
    readonly id?: string
    readonly prev?: number
    readonly from?: string
    readonly head?: string
    readonly gap?: string
    readonly data?: { readonly data: unknown }
  }
}

/** [LAW-COVERAGE]'s rule for one subscription, as small as it can be said [TL-SUB-6] [TL-SUB-9] [TL-SYNC-4]. */
export interface ModelClient {
  /** The cursor up to which everything is accounted for. */
  readonly cursor: () => string
  /** Offsets of the events that the application saw, in that order. */
  readonly seen: number[]
  readonly gaps: string[]
  readonly behind: () => boolean
  take(frames: readonly unknown[]): void
}

/** `accepts` is the rule itself, so that a test can break it. */
export function createModelClient(accepts = (prev: number, p: number) => prev <= p): ModelClient {
  let epoch: string | undefined
  let p = -1
  let head = 0
  let held: { readonly n: number; readonly prev: number; readonly isEvent: boolean }[] = []
  const seen: number[] = []
  const gaps: string[] = []

  function place(from: string | undefined, gap: string | undefined): void {
    const cursor = parseCursor(from ?? '')
    if (cursor === undefined) return
    if (gap !== undefined) gaps.push(gap)
    if (epoch !== undefined && gap === undefined) return
    held = epoch === undefined || epoch === cursor.epoch ? held : []
    ;({ epoch } = cursor)
    p = cursor.offset
  }
  function applyHeld(): void {
    held = held.filter(({ n }) => n > p).sort((a, b) => a.n - b.n)
    for (const { n, prev, isEvent } of held) {
      if (epoch === undefined || !accepts(prev, p)) return
      p = n
      if (isEvent) seen.push(n)
    }
  }
  function takeOne({ result }: Frame): void {
    if (result?.type === 'started' || result?.type === 'synced') {
      place(result.from, result.gap)
      head = Math.max(head, parseCursor(result.head ?? '')?.offset ?? 0)
    }
    const cursor = parseCursor(result?.id ?? '')
    if (result === undefined || cursor === undefined || (epoch !== undefined && cursor.epoch !== epoch)) return
    const n = cursor.offset
    if (!held.some((frame) => frame.n === n && frame.prev === (result.prev ?? n - 1)))
      held.push({ n, prev: result.prev ?? n - 1, isEvent: result.type === 'data' })
    head = Math.max(head, n)
  }
  return {
    cursor: () => `${epoch}:${p}`,
    seen,
    gaps,
    behind: () => p < head,
    take(frames) {
      for (const frame of frames as readonly Frame[]) {
        if (frame.id === 7) takeOne(frame)
        applyHeld()
        held = held.filter(({ n }) => n > p)
      }
    },
  }
}
