/** A store and a gateway in memory: a line without a network, for your tests. */
export { createMemoryGateway, type MemoryGateway } from './gateway.ts'
export { createMemoryStore, memoryBackend } from './store.ts'
