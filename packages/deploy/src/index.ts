export type { LineFunction } from './line-template.ts'
export { lineFunctions, lineTemplate } from './line-template.ts'
export type { LineTemplateOptions } from './template/options.ts'
export type { Output, Parameter, Resource, Template } from './template/template.ts'
