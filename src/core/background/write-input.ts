import { type Context, liveValue } from '../context.ts'

/** A shape as one writes it: what is optional may also be given as undefined, which JSON leaves out. */
export type WriteInput<Shape> = Shape extends object
  ? { [Key in keyof Shape]: Partial<Pick<Shape, Key>> extends Pick<Shape, Key> ? Shape[Key] | undefined : Shape[Key] }
  : never

/** Nothing need be given where every field is optional. */
export type DataArgument<Shape> = Partial<Shape> extends Shape ? [data?: Shape] : [data: Shape]

const checks = (ctx: Context) => liveValue(ctx, 'core.checks', () => ({ on: false }))

/** From now on everything that is written by a contract is compared with it: for tests, where a spread or a cast hides from the compiler. */
export function checkWrites(ctx: Context): void {
  checks(ctx).on = true
}

export function checksWrites(ctx: Context): boolean {
  return checks(ctx).on
}
