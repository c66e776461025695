import Testing

@testable import TallyCore

@Suite struct `The first answer to a question` {
    @Test func `is kept for a caller that waits for it later, and those behind it are dropped`() async {
        let answer = FirstAnswer<Int>()
        answer.end(1)
        answer.end(2)

        #expect(await answer.value == 1)
        answer.end(3)
    }

    @Test func `reaches a caller that asks in the same moment, and alone`() async {
        for _ in 0..<100 {
            let answer = FirstAnswer<Int>()
            async let asked = answer.value
            answer.end(1)
            answer.end(2)
            let value = await asked

            #expect(value == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `ends the program where it is asked for once more`() async {
        await #expect(processExitsWith: .failure) {
            let answer = FirstAnswer<Int>()
            answer.end(1)
            _ = await answer.value
            _ = await answer.value
        }
    }
}
