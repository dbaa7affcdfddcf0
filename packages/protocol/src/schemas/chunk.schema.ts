import { clientFrames } from './create-client-frames.schema.ts'

/**
 * A chunk of a message that is larger than one frame may be. [TL-CHUNK-2] `part` is below `of`, and `of` is at most the
 * number of parts that `bytes` can need.
 */
export const chunkFrame = clientFrames().chunkFrame
