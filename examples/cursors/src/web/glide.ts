export interface Place {
  readonly x: number
  readonly y: number
}

const halfLifeMs = 40 // 20 places a second look like one movement

/** The place between `from` and `to` after some time: half of the way every 40 ms, so it neither jumps nor overshoots. */
export function glide(from: Place, to: Place, elapsedMs: number): Place {
  const rest = 0.5 ** (elapsedMs / halfLifeMs)
  return { x: to.x + (from.x - to.x) * rest, y: to.y + (from.y - to.y) * rest }
}
