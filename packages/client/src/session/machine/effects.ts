import type { DataResult, GapReason } from '@trunkline/protocol'
import type { Timer } from './events.ts'
import type { Failure } from './trunkline-error.ts'

/** What a step wants done, in this order. */
export type Effect =
  // the sockets, by number
  | { readonly type: 'connect'; readonly socket: number } // make a socket and let it try at once
  | { readonly type: 'admit'; readonly socket: number } // let the waiting socket try now
  | { readonly type: 'replace'; readonly socket: number } // drop what it has; its next attempt waits to be admitted
  | { readonly type: 'drop'; readonly socket: number } // close it for good
  | { readonly type: 'disconnect' } // close all for good
  | { readonly type: 'send'; readonly socket: number; readonly text: string }
  | { readonly type: 'renew-session' } // the next socket offers a new session id
  | { readonly type: 'ask-token' } // tell by `token` or `token-failed`
  // time
  | { readonly type: 'arm'; readonly timer: Timer; readonly ms: number }
  | { readonly type: 'cancel'; readonly timer: Timer }
  | { readonly type: 'cancel-all' }
  // the application
  | { readonly type: 'answer'; readonly id: number; readonly data: unknown }
  | { readonly type: 'fail'; readonly id: number; readonly failure: Failure }
  | { readonly type: 'started'; readonly id: number }
  | { readonly type: 'deliver'; readonly id: number; readonly result: DataResult }
  | { readonly type: 'gap'; readonly id: number; readonly reason: GapReason; readonly lastEventId: string | null }
  | { readonly type: 'complete'; readonly id: number }
  | { readonly type: 'protocol-error'; readonly message: string }
  | { readonly type: 'closed' }
