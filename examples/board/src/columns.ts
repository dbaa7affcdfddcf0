/** The columns, from left to right. This file has no zod, so that the page need not load it. */
export const columns = ['todo', 'doing', 'done'] as const
export type Column = (typeof columns)[number]
