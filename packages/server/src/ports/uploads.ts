/**
 * The port of large messages that a client sends in chunks.
 *
 * - [TL-CHUNK-6] A part is put once. The same text again is the same put; another text at its place MUST be refused.
 *   The first part that is noted declares the count of parts and their bytes; a note that declares others MUST be
 *   refused.
 * - [TL-CHUNK-5] A message has one owner, which runs it.
 * - [TL-CHUNK-7] Messages belong to one connection: a connection can neither read nor complete the message of another.
 * - [TL-CHUNK-12] A connection never has more open messages than `max`, however many writers race for the last place.
 */
export interface UploadStore {
  /**
   * Opens a message among those of its connection, and removes the open ones in `over`, which the caller judges to be
   * overdue. Writes only if each of `over` is still open until then, the message is open only if in `over`, and fewer
   * than `max` stay open. `expires` is that of the connection's row of them, in epoch seconds. Returns `opened` also if
   * an own try whose answer was lost wrote it, else `refused` with those that are open, by their names. One conditional
   * write.
   */
  openUpload(
    open: OpenUpload & {
      readonly connectionId: string
      readonly max: number
      readonly over: readonly OpenUpload[]
      readonly expires: number
    },
  ): Promise<{ readonly status: 'opened' } | { readonly status: 'refused'; readonly open: readonly OpenUpload[] }>

  /** Removes an open message; changes nothing if it is not open. One conditional write. */
  closeUpload(upload: { readonly connectionId: string; readonly message: string }): Promise<void>

  /**
   * Puts a part's text if none exists at its place.
   * Returns `put` also if exactly this text exists there. Returns `differs`, and changes nothing, if another text does.
   * One conditional write.
   */
  putPart(part: {
    readonly connectionId: string
    readonly message: string
    /** From 0. */
    readonly part: number
    readonly text: string
    /** Epoch seconds. */
    readonly expires: number
  }): Promise<'put' | 'differs'>

  /**
   * Notes in the row of its message that a part was put. The first note creates the row: its `of`, `bytes` and
   * `expires` stay. A part that is noted again changes nothing. Returns `noted` with the row, or `refused` with the row
   * that exists if `of` or `bytes` differ. One conditional write.
   */
  notePart(
    note: Pick<UploadRow, 'connectionId' | 'message' | 'of' | 'bytes' | 'expires'> & { readonly part: number },
  ): Promise<{ readonly status: 'noted' | 'refused'; readonly row: UploadRow }>

  /**
   * Claims a message for an owner, if its row exists and has no other owner.
   * Returns `claimed` also if the row has this owner already, `taken` otherwise. One conditional write.
   */
  claimUpload(claim: Required<Pick<UploadRow, 'connectionId' | 'message' | 'owner'>>): Promise<'claimed' | 'taken'>

  /**
   * Reads the texts of the parts 0 to `of` − 1, undefined for a part that does not exist. Strongly consistent batch
   * reads of at most 100 parts.
   */
  readParts(connectionId: string, message: string, of: number): Promise<readonly (string | undefined)[]>
}

/** A message with missing parts. */
export interface OpenUpload {
  readonly message: string
  /** Epoch milliseconds. From then on its parts are too late. */
  readonly until: number
}

/** A message that arrives in chunks, named by its sender. */
export interface UploadRow {
  readonly connectionId: string
  readonly message: string
  /** How many parts it has, as its first note declared. */
  readonly of: number
  /** UTF-8 bytes of all parts together, as its first note declared. */
  readonly bytes: number
  /** How many of its parts were noted. */
  readonly noted: number
  /** Names the invocation that runs it. */
  readonly owner?: string
  /** Epoch seconds. */
  readonly expires: number
}
