/** The reference store and a gateway that only remembers: a line without a network, for tests of one's own. */
export { memoryBackend } from './backend.ts'
export { createMemoryGateway, type MemoryGateway } from './gateway.ts'
export { createMemoryStore } from './store.ts'
