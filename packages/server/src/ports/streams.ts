/**
 * The port of what a stream keeps in addition to its log: its input, the signs of life of its producers, and when a
 * worker was last asked to look at it.
 *
 * - None of these rows decides anything: the log alone does [LAW-STREAM]. A row that is lost or late costs time.
 * - An input is named by its content. A put of the same name replaces the row, and a later `expires` is kept by it.
 * - A sign of life has a row for each claim, so that a producer that was replaced renews only its own.
 */
export interface StreamStore {
  /** Puts the input of a stream under its digest. One write. */
  putStreamInput(row: StreamInput): Promise<void>

  /** Reads an input; undefined if none exists. One strongly consistent read. */
  readStreamInput(topic: string, digest: string): Promise<string | undefined>

  /** Records that the producer with this claim lives. One write. */
  putStreamSign(row: StreamSign): Promise<void>

  /** When the producer with this claim last recorded that it lives; 0 if it never did. One strongly consistent read. */
  readStreamSign(topic: string, claim: string): Promise<number>

  /**
   * Sets the time of the last poke to `at`, if none is recorded after `before`. Returns `recent`, and changes nothing,
   * otherwise. One conditional write.
   */
  takeStreamPoke(poke: StreamPoke): Promise<'taken' | 'recent'>

  /** Deletes all these rows of a stream. A query, and a write for each row. */
  deleteStreamRows(topic: string): Promise<void>
}

/** The input of a stream. */
export interface StreamInput {
  readonly topic: string
  /** A digest of the input. */
  readonly digest: string
  /** JSON text. */
  readonly input: string
  /** Epoch seconds. */
  readonly expires: number
}

/** A sign of life of the producer with a claim. */
export interface StreamSign {
  readonly topic: string
  readonly claim: string
  /** Epoch milliseconds. */
  readonly alive: number
  /** Epoch seconds. */
  readonly expires: number
}

/** A request that a worker looks at a stream. */
export interface StreamPoke {
  readonly topic: string
  /** Epoch milliseconds. */
  readonly at: number
  /** Epoch milliseconds. A poke after this time is recent enough. */
  readonly before: number
  /** Epoch seconds. */
  readonly expires: number
}
