/**
 * The faults that the simulator can inject: a description, and the highest share of opportunities at which each
 * strikes.
 */
export const faults = {
  F1: { what: 'a post gets 200 and is lost', most: 0.25 },
  F2: { what: 'an open connection gets 410', most: 0.05 },
  F3: { what: 'a post gets 429', most: 0.3 },
  F4: { what: 'a post gets 5xx, delivered or not', most: 0.3 },
  F5: { what: 'a post hangs, then is delivered', most: 0.08 },
  F6: { what: 'a post hangs forever', most: 0.04 },
  F7: { what: 'a message to a client is late', most: 0.4 },
  F8: { what: 'a post is delivered twice', most: 0.3 },
  F9: { what: 'a frame is lost', most: 0.06 },
  F10: { what: 'a frame is received twice', most: 0.2 },
  F11: { what: 'a frame is overtaken', most: 0.4 },
  F12: { what: 'a socket is half-open', most: 0.02 },
  F13: { what: 'a socket breaks', most: 0.04 },
  F14: { what: '$disconnect is lost, late, twice or early', most: 0.6 },
  F17: { what: 'a connect is refused', most: 0.4 },
  F18: { what: 'other users exhaust the callback quota for a while', most: 0.01 },
  F19: { what: 'a function dies before a port call', most: 0.02 },
  F20: { what: 'a function dies between a port call and its response', most: 0.02 },
  F21: { what: 'a function is invoked twice', most: 0.15 },
  F22: { what: 'a function starts cold', most: 0.5 },
  F23: { what: 'a function freezes and resumes, possibly after its deadline', most: 0.02 },
  F25: { what: 'a clock is wrong', most: 1 },
  F27: { what: 'the table throttles', most: 0.04 },
  F28: { what: 'a table request fails without an effect', most: 0.03 },
  F29: { what: 'a table request takes effect and its response is lost', most: 0.06 },
  F32: { what: 'TTL deletes late and in no particular order', most: 1 },
  F35: { what: 'a page of a query is shorter than its limit', most: 0.4 },
  F36: { what: 'the stream repeats a batch', most: 0.3 },
  F37: { what: 'the stream reorders across items', most: 0.5 },
  F38: { what: 'the stream is late', most: 0.3 },
  F39: { what: 'a batch of the stream fails partially', most: 0.2 },
  F40: { what: 'the stream drops a record', most: 0.2 },
  F42: { what: 'a device sleeps, or loses its network', most: 0.7 },
  F44: { what: 'a handler of the application throws', most: 0.1 },
  F49: { what: 'a route response is lost', most: 0.06 },
  F53: { what: 'the clock of a device is changed', most: 0.5 },
  F50: { what: 'an idle connection of a thawed function is reset, and the request is not sent', most: 0.3 },
  F51: { what: 'an idle connection of a thawed function is dead, and the request gets no response', most: 0.05 },
  F33: { what: 'the table is restored to an older copy, and the restore number stays the same', most: 1 },
  F54: { what: 'a token has less rights than the one before', most: 1 },
} as const

export type FaultId = keyof typeof faults
export const faultIds = Object.keys(faults) as readonly FaultId[]
