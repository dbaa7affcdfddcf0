/** Reports to the room whether the user is away, once for each change. */
export interface Attention {
  /** Sets whether the user is away from this screen. */
  set(away: boolean): void
  /** Handles the state that the room shows for this user. Another tab, or a new join of this one, may have changed it. */
  shown(away: boolean): void
}

/** `report` resolves to false when the room has not been joined yet. A new member is shown as present. */
export function createAttention(report: (away: boolean) => Promise<boolean>): Attention {
  let current = false
  let reported: boolean | undefined = false // undefined: unknown
  const send = () => {
    const away = current
    reported = away
    report(away).then(
      (accepted) => accepted || reset(away),
      () => reset(away), // reported again with the next activity
    )
  }
  const reset = (away: boolean) => {
    if (reported === away) reported = undefined
  }
  return {
    set(away) {
      current = away
      if (reported !== current) send()
    },
    shown(away) {
      if (away !== current) send() // a report without a change causes no event, so two tabs cannot loop
    },
  }
}
