import type { DataResult, GapReason } from '@trunkline/protocol'
import type { Timer } from './events.ts'
import type { Failure, TrunklineError } from './trunkline-error.ts'

/** What the connection must do after a step. Effects are performed in order. */
export type Effect =
  // the sockets, by number
  | { readonly type: 'connect'; readonly socket: number } // create a socket and start its first attempt
  | { readonly type: 'admit'; readonly socket: number } // start the next attempt of this socket
  | { readonly type: 'replace'; readonly socket: number } // drop its connection; the next attempt waits for `admit`
  | { readonly type: 'drop'; readonly socket: number } // close it permanently
  | { readonly type: 'disconnect' } // close all sockets permanently
  | { readonly type: 'send'; readonly socket: number; readonly text: string }
  | { readonly type: 'renew-session' } // the next socket offers a new session id
  | { readonly type: 'ask-token' } // call the application's `token`; the input `token` or `token-failed` follows
  // time
  | { readonly type: 'arm'; readonly timer: Timer; readonly ms: number }
  | { readonly type: 'cancel'; readonly timer: Timer }
  | { readonly type: 'cancel-all' }
  // the application
  | { readonly type: 'answer'; readonly id: number; readonly data: unknown }
  | { readonly type: 'fail'; readonly id: number; readonly failure: Failure }
  | { readonly type: 'started'; readonly id: number; readonly from?: string | undefined } // `from`: of one to a log
  | { readonly type: 'pending'; readonly id: number; readonly line: TrunklineError } // a subscription waits for a socket
  | { readonly type: 'deliver'; readonly id: number; readonly result: DataResult }
  | { readonly type: 'gap'; readonly id: number; readonly reason: GapReason; readonly lastEventId: string | null }
  | { readonly type: 'complete'; readonly id: number; readonly outcome?: 'done' | 'stopped' | undefined } // of a stream
  | { readonly type: 'protocol-error'; readonly message: string }
  | { readonly type: 'closed' }
