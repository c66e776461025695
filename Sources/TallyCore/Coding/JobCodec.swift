import Foundation

/// Values to bytes and back. Its name travels with every body, so a worker knows how to read it.
public protocol JobCodec: Sendable {
    var name: String { get }
    func encode<Value: Encodable>(_ value: Value) throws -> [UInt8]
    func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value
}

/// The default codec. Only its bodies are searchable as JSON in the ledger.
public struct JSONCodec: JobCodec {
    public init() {}
    public var name: String { "json" }
    public func encode<Value: Encodable>(_ value: Value) throws -> [UInt8] {
        Array(try JSONEncoder().encode(value))
    }
    public func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
