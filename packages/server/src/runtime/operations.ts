/** What a line does outside of its functions' frames, which is one chunk: a plain call reads none of it. */
export { kick, listConnections, revoke } from './kick.ts'
export { readMembersNow } from './presence/snapshot.ts'
export { updatePresence } from './presence/update.ts'
export { startStream, streamOf } from './producers/start-stream.ts'
export { eraseStream, stopStream } from './producers/stop-stream.ts'
export { readStatus, readStreamPage } from './streams/read-stream.ts'
