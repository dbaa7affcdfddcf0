import type { Value } from './intrinsics.ts'

/** A resource of a CloudFormation template. */
export interface Resource {
  readonly Type: string
  readonly Condition?: string
  readonly DependsOn?: readonly string[]
  readonly DeletionPolicy?: 'Retain' | 'Delete'
  readonly UpdateReplacePolicy?: 'Retain' | 'Delete'
  readonly Properties: Readonly<Record<string, Value>>
}

/** Resources by their logical id. */
export type Resources = Readonly<Record<string, Resource>>

/** A parameter of a CloudFormation template. */
export interface Parameter {
  readonly Type: 'String'
  readonly Default?: string
  readonly AllowedValues?: readonly string[]
  readonly Description: string
}

/** An output of a CloudFormation template. */
export interface Output {
  readonly Condition?: string
  readonly Description: string
  readonly Value: Value
}

/** A CloudFormation template. */
export interface Template {
  readonly AWSTemplateFormatVersion: '2010-09-09'
  readonly Description: string
  readonly Parameters: Readonly<Record<string, Parameter>>
  readonly Conditions: Readonly<Record<string, Value>>
  readonly Resources: Resources
  readonly Outputs: Readonly<Record<string, Output>>
}
