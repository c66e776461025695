import Foundation

/// Values to bytes and back. Its name travels with every body, so a worker knows how to read it.
public protocol JobCodec: Sendable {
    /// At most `Limits.codecBytes` bytes. It is stored with every job, so it may never change while such jobs exist.
    var name: String { get }
    /// The body of a job. Equal values should give equal bytes: an enqueue that is repeated with the same id and
    /// other bytes is refused as another job.
    ///
    /// Of what it throws, and `decode`, nobody is told more than the kind and the keys of an `EncodingError` or a
    /// `DecodingError`, and of another error its type: the rest may quote the value.
    func encode<Value: Encodable>(_ value: Value) throws -> [UInt8]
    /// The value that `encode` was given. What this throws fails the job for good at its first attempt, since another
    /// one would read the same bytes; it can be requeued once a program that reads them runs.
    func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value
}

/// The default codec. Only its bodies are searchable as JSON in the ledger.
public struct JSONCodec: JobCodec {
    /// The codec without options.
    public init() {}
    /// `json`, in the record of every job: by it a worker finds this codec, and the ledger knows that it may
    /// keep the body as searchable JSON too.
    public var name: String { "json" }
    /// What `JSONEncoder` writes with its keys sorted, so that one value is the same bytes in every process: dates
    /// in seconds since 2001, data in Base64.
    ///
    /// - Throws: `EncodingError`, such as for a number that is not finite; the enqueue is then `.refused`,
    ///   and nothing was sent.
    public func encode<Value: Encodable>(_ value: Value) throws -> [UInt8] {
        let encoder = JSONEncoder()
        // Another order, as in another process, would be another body, and the repeat of an enqueue a conflict.
        encoder.outputFormatting = .sortedKeys
        return Array(try encoder.encode(value))
    }
    /// What `JSONDecoder` reads without options: keys that the type does not know are passed over.
    ///
    /// - Throws: `DecodingError`, such as for a key that the type needs and the bytes lack.
    public func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
