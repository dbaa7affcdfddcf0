/** The rules of the history checker. */
export const rules = {
  H1: 'what was acknowledged is in the log, once',
  H2: 'no event and no number twice in a log',
  H3: 'a slot never changes',
  H4: 'slots are contiguous',
  H5: 'every subscription ends at the head of its log',
  H6: 'a subscription never goes back',
  H7: 'what is jumped over was signalled',
  H8: 'what is delivered is in the log',
  H9: 'what was acknowledged before another was sent stands before it',
  H10: 'a keyed mutation has one effect and one answer',
  H11: 'a call settles once, and by its deadline',
  H12: 'nothing comes after a stop or after the end of an authority',
  H13: 'who is here is no ghost and does not flap: each change once, in order, and exact in each view',
  H14: 'nothing is left over: no rows, sockets, timers, claims or functions',
  H15: 'when faults stop, everything converges',
  H16: 'no partition and no gateway is asked for more than it gives',
  H17: 'the values of a generator come in order and once, and what is lost of them is told',
} as const
export type Rule = keyof typeof rules

/** A rule that was broken, and how. */
export interface Violation {
  readonly rule: Rule
  /** What a user would call it. */
  readonly kind: Kind
  readonly text: string
}
export const kinds = ['lost', 'doubled', 'reordered', 'unsignalled', 'orphaned', 'other'] as const
export type Kind = (typeof kinds)[number]

/** Gathers what a schedule broke. */
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
}

/** An empty report. */
export function createReport(): Report {
  const violations: Violation[] = []
  return { violations, break: (rule, text, kind = kindOf[rule]) => void violations.push({ rule, kind, text }) }
}
