/** Tells the others whether anybody is at this screen, as often as needed and no oftener. */
export interface Attention {
  /** What they should be told from now on. */
  set(away: boolean): void
  /** How they are shown whoever is at this screen: another tab may have spoken, or a return of this one. */
  shown(away: boolean): void
}

/** `tell` resolves to whether it was taken: who is not in the room yet is told so. Whoever joins is shown as not away. */
export function createAttention(tell: (away: boolean) => Promise<boolean>): Attention {
  let wanted = false
  let told: boolean | undefined = false // undefined: not known
  const say = () => {
    const away = wanted
    told = away
    tell(away).then(
      (taken) => taken || forget(away),
      () => forget(away), // said again with the next sign
    )
  }
  const forget = (away: boolean) => {
    if (told === away) told = undefined
  }
  return {
    set(away) {
      wanted = away
      if (told !== wanted) say()
    },
    shown(away) {
      if (away !== wanted) say() // an answer that changes nothing is shown to nobody, so that two tabs do not go on for ever
    },
  }
}
