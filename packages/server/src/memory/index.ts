/** A store and a gateway in memory: a line without a network, for your tests. */
export { memoryBackend } from './backend.ts'
export { createMemoryGateway, type MemoryGateway } from './gateway.ts'
export { createMemoryStore } from './store.ts'
