/** The rules of the history checker. */
export const rules = {
  H1: 'every acknowledged event is in the log, once',
  H2: 'no event and no number is twice in a log',
  H3: 'a slot never changes',
  H4: 'slots are contiguous',
  H5: 'every subscription ends at the head of its log',
  H6: 'a subscription never goes back',
  H7: 'skipped events are signalled',
  H8: 'every delivered event is in the log',
  H9: 'an event that was acknowledged before another was sent precedes it',
  H10: 'a keyed mutation has one effect and one response',
  H11: 'a call settles once, and by its deadline',
  H12: 'nothing is received after a stop or after the authority has ended',
  H13: 'presence shows no stale members and does not flicker: each change once, in order, and exact in each view',
  H14: 'no rows, sockets, timers, claims or functions are left over',
  H15: 'after faults stop, all clients converge',
  H16: 'no partition and no gateway is used beyond its quota',
  H17: 'the values of a generator are received in order and once, and lost values are reported',
  H18: 'nothing is sent for a topic later than 5 s after its right was lost, and rows hold no older claims',
  H19: 'nothing is sent to a connection later than 5 s after it was kicked, or while its principal is banned',
  H20: 'a stream closes once and nothing follows, and each reader has the first chunks of one run, or a gap',
  H21: 'nothing but its requests reaches a connection over HTTP, and a session has at most two transports',
} as const
export type Rule = keyof typeof rules

/** A violation of a rule. */
export interface Violation {
  readonly rule: Rule
  /** The kind of failure that a user would see. */
  readonly kind: Kind
  readonly text: string
}
export const kinds = ['lost', 'doubled', 'reordered', 'unsignalled', 'orphaned', 'other'] as const
export type Kind = (typeof kinds)[number]

/** Collects the violations of a schedule. */
export interface Report {
  break(rule: Rule, text: string, kind?: Kind): void
  readonly violations: readonly Violation[]
}

const kindOf: Record<Rule, Kind> = {
  ...{ H1: 'lost', H2: 'doubled', H3: 'other', H4: 'other', H5: 'lost', H6: 'reordered', H7: 'unsignalled' },
  ...{
    H8: 'other',
    H9: 'reordered',
    H10: 'doubled',
    H11: 'other',
    H12: 'other',
    H13: 'other',
    H14: 'orphaned',
    H15: 'lost',
  },
  H16: 'other',
  H17: 'other',
  H18: 'other',
  H19: 'other',
  H20: 'other',
  H21: 'other',
}

/** Creates an empty report. */
export function createReport(): Report {
  const violations: Violation[] = []
  return { violations, break: (rule, text, kind = kindOf[rule]) => void violations.push({ rule, kind, text }) }
}
