/** The columns, from left to right. Without zod, which the page need not load. */
export const columns = ['todo', 'doing', 'done'] as const
export type Column = (typeof columns)[number]
