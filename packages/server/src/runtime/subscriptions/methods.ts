/** The methods of a subscription, which are one chunk: a call reads none of them. */
export { subscribe } from './subscribe.ts'
export { sync } from './sync.ts'
export { unsubscribe } from './unsubscribe.ts'
