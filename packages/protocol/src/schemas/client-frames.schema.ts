import { clientFrames } from './create-client-frames.schema.ts'

const frames = clientFrames()

/** A query or a mutation. */
export const callFrame = frames.callFrame

/** `lastEventId` may be any text. One that is not a cursor is answered with a gap, not with an error [TL-SUB-4]. */
export const subscribeFrame = frames.subscribeFrame

/** Ends a subscription. */
export const stopFrame = frames.stopFrame

/** The first frame of a client that declared `trunkline.1`. */
export const helloFrame = frames.helloFrame

/** Requests the events of subscriptions after `from`. */
export const syncFrame = frames.syncFrame

/** Renews the authorization of the connection with a new token. */
export const authFrame = frames.authFrame

/** Cancels a call that was accepted as a long one. */
export const cancelFrame = frames.cancelFrame

/** Ends a connection over HTTP. */
export const closeFrame = frames.closeFrame

/** A keepalive. */
export const pingFrame = frames.pingFrame

/** tRPC's connection parameters. */
export const connectionParamsFrame = frames.connectionParamsFrame

/** Any frame that a client may send, distinguished by its method. */
export const clientFrame = frames.clientFrame

/** A message of a client: a frame, or an array of frames. */
export const clientMessage = frames.clientMessage
