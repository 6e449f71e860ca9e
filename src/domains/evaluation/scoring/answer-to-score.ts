import type { Row } from '../../../core/onnx/onnx.ts'

/** An answer with its question and the expected answer. */
export type AnswerToScore = { id: string; question: Row; expected: string; answer: string }
