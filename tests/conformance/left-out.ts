/** Tests of the suite that do not concern the read API, by the names of their groups and their own, and why. */
export interface LeftOut {
  readonly name: string
  readonly pattern: RegExp
  readonly reason: string
}

export const leftOut: readonly LeftOut[] = [
  {
    name: 'Forks',
    pattern: /^Fork - /,
    reason: 'Trunkline has no copies of logs.',
  },
  {
    name: 'Idempotent producers',
    pattern:
      /^Idempotent Producer|^Stream Closure > Idempotent Producers|producer-state-survives-close|different-body-dedup/,
    reason: 'Writes. A stream has one producer, which the line runs.',
  },
  {
    name: 'Time to live',
    pattern: /^TTL |should return (TTL|Expires-At) metadata/,
    reason: 'Writes. The retention of a stream is declared in its application.',
  },
  {
    name: 'Stream-Seq',
    pattern:
      /\bseq\b|sequence (ordering|numbers)|^HTTP Protocol > should enforce sequence|Sequence Ordering Properties/i,
    reason: 'Writes. The numbers of writers are not part of a log.',
  },
  {
    name: 'Reserved subscription APIs',
    pattern: /^Reserved subscription APIs/,
    reason: 'Webhooks and wakes of a worker. The suite itself leaves them out unless a server asks for them.',
  },
]
