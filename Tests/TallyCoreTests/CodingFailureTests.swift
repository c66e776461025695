import Testing

@testable import TallyCore

/// What must not be told.
private let marked = "MARK-4711"

private struct Card: Codable {
    enum Kind: String, Codable { case visa }
    var kinds: [Kind] = []
    var number: Int? = 1
    var owner: String?

    enum CodingKeys: String, CodingKey { case kinds, number, owner }

    init() {}

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        kinds = try values.decode([Kind].self, forKey: .kinds)
        number = try values.decode(Int.self, forKey: .number)
    }

    func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(
            marked, .init(codingPath: [CodingKeys.owner], debugDescription: "not \(marked)"))
    }
}

private func read(_ text: String) -> String? {
    do {
        _ = try JSONCodec().decode(Card.self, from: Array(text.utf8))
        return nil
    } catch {
        return CodingFailure.text(error)
    }
}

@Suite struct `What a codec threw` {
    @Test(
        arguments: [
            (#"{"kinds":["MARK-4711"],"number":1}"#, "the bytes are not what the codec reads at kinds[0]"),
            (#"{"kinds":[],"number":"MARK-4711"}"#, "no Int stands there at number"),
            (#"{"kinds":["visa"],"owner":"MARK-4711"}"#, "the key `number` is missing"),
            (#"{"kinds":[],"number":null,"owner":"MARK-4711"}"#, nil),
            (#"MARK-4711"#, nil),
        ] as [(String, String?)])
    func `is told by its kind and its place, and never with a value of the body`(
        _ body: String, _ expected: String?
    ) throws {
        let text = try #require(read(body))

        #expect(!text.contains(marked) && !text.contains("4711"), "\(text)")
        if let expected { #expect(text == expected) }
    }

    @Test func `is told of a value that cannot be written by its type`() throws {
        let error = #expect(throws: EncodingError.self) { try JSONCodec().encode(Card()) }

        let text = CodingFailure.text(try #require(error))
        #expect(text == "a value of type String is not one that can be written at owner")
    }

    @Test func `is told by its type alone where nobody knows what it says`() {
        struct Own: Error, CustomStringConvertible { let description = marked }

        #expect(CodingFailure.text(Own()) == "Own")
        #expect(CodingFailure.known(Own()) == nil)
    }
}
