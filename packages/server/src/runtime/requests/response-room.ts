import { limits } from '@trunkline/protocol'
import { encode, type Frame } from '../encoding/encode.ts'

/** The most bytes of a frame that is answered in place of one without room. */
export const replacementBytes = 2_048
/** What a subscribe may add at least: a page of events, and its first frames. */
const pageBytes = limits.pageBytes.value + replacementBytes

/**
 * The response of one HTTP request: a JSON array of frames, at most `responseBytes` of UTF-8. It keeps room for a
 * replacement of each answer that has not come. [TL-HTTP-15]
 */
export class ResponseRoom {
  readonly #texts: string[] = []
  #left: number
  #awaited: number

  /** `answers` is how many answers will come. */
  constructor(answers: number) {
    this.#awaited = answers
    this.#left = limits.responseBytes.value - '[]'.length
  }

  /** Whether another page of events has room. The first answer of a response always may come. */
  hasPage(): boolean {
    return this.#texts.length === 0 || this.#left - this.#awaited * replacementBytes >= pageBytes
  }

  /** Adds the frames of one answer. Where they have no room, adds `replacement` instead. */
  add(frames: readonly Frame[], replacement: () => Frame): void {
    this.#awaited -= 1
    const texts = frames.map(encode)
    const isWhole = this.#fitting(texts) === texts.length
    this.#push(isWhole ? texts : [encode(replacement())])
  }

  /**
   * The same for the answer to a subscribe. The events that have no room are left out: its client fetches them. The
   * first frame and a state after it are needed.
   */
  addSubscription(frames: readonly Frame[], replacement: () => Frame): void {
    this.#awaited -= 1
    const texts = frames.map(encode)
    const fitting = this.#fitting(texts)
    const needed = Math.min(frames.length, isState(frames[1]) ? 2 : 1)
    this.#push(fitting >= needed ? texts.slice(0, fitting) : [encode(replacement())])
  }

  /** The body. */
  text(): string {
    return `[${this.#texts.join(',')}]`
  }

  #push(texts: readonly string[]): void {
    for (const text of texts) {
      this.#texts.push(text)
      this.#left -= bytesOf(text)
    }
  }

  /** How many of the first frames fit. */
  #fitting(texts: readonly string[]): number {
    let left = this.#left - this.#awaited * replacementBytes
    const found = texts.findIndex((text) => {
      left -= bytesOf(text)
      return left < 0
    })
    return found < 0 ? texts.length : found
  }
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text) + ','.length
}

function isState(frame: Frame | undefined): boolean {
  return frame !== undefined && 'result' in frame && frame.result.type === 'snapshot'
}
