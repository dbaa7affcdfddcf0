/** The reference store and a gateway that only remembers: a line without a network, for tests of one's own. */
export { memoryBinding } from './binding.ts'
export { createMemoryGateway, type MemoryGateway } from './gateway.ts'
export { createMemoryStore } from './store.ts'
