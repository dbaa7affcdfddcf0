import type { StreamStore } from '../ports/streams.ts'
import { child, type DeleteExpired, deleteExpiredIn, type Operations } from './operations.ts'

/** The port of streams in memory. */
export function createStreams() {
  const inputs = new Map<string, Map<string, { readonly input: string; readonly expires: number }>>()
  const signs = new Map<string, Map<string, { readonly alive: number; readonly expires: number }>>()
  const pokes = new Map<string, Map<string, { readonly at: number; readonly expires: number }>>()

  const operations: Operations<keyof StreamStore> = {
    putStreamInput({ topic, digest, input, expires }) {
      child(inputs, topic).set(digest, { input, expires })
    },
    readStreamInput: (topic, digest) => inputs.get(topic)?.get(digest)?.input,
    putStreamSign({ topic, claim, alive, expires }) {
      child(signs, topic).set(claim, { alive, expires })
    },
    readStreamSign: (topic, claim) => signs.get(topic)?.get(claim)?.alive ?? 0,
    takeStreamPoke({ topic, at, before, expires }) {
      if ((pokes.get(topic)?.get('')?.at ?? Number.NEGATIVE_INFINITY) > before) return 'recent'
      child(pokes, topic).set('', { at, expires })
      return 'taken'
    },
    deleteStreamRows(topic) {
      for (const rows of [inputs, signs, pokes]) rows.delete(topic)
    },
  }
  const dropExpired: DeleteExpired = (isDue) => {
    deleteExpiredIn(inputs, isDue)
    deleteExpiredIn(signs, isDue)
    deleteExpiredIn(pokes, isDue)
  }
  return { operations, deleteExpired: dropExpired }
}
